# The workflow with the versions that are tested: `docker build -t layer-pruning .`, then
# `docker run --rm -v "$PWD:/work" layer-pruning run --demo`.
#
# For GPUs, an image whose driver libraries the host's container runtime fills in:
# `docker build --build-arg BASE=nvidia/cuda:13.0.1-base-ubuntu22.04 --build-arg PYTHON=python3.11 …`,
# then `docker run --gpus all …`. PyTorch brings its own CUDA libraries, so the base needs no more.
ARG BASE=debian:12-slim
FROM ${BASE}

# of the packages of the base: 3.11 is what requirements.txt is pinned for
ARG PYTHON=python3.11
# what the tags say; there is no repository inside
ARG VERSION=0.1.0.dev0
ENV DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ${PYTHON} ${PYTHON}-venv procps \
    && rm -rf /var/lib/apt/lists/*
RUN ${PYTHON} -m venv /opt/layer-pruning
ENV PATH=/opt/layer-pruning/bin:${PATH}

# what changes seldom first
COPY requirements.txt /src/
RUN pip install --require-hashes --requirement /src/requirements.txt
COPY . /src/
RUN SETUPTOOLS_SCM_PRETEND_VERSION=${VERSION} pip install --no-deps --no-build-isolation /src \
    && layer-pruning --version

# results belong to who runs it: `--user "$(id -u):$(id -g)"`
ENV HOME=/tmp
WORKDIR /work
ENTRYPOINT ["layer-pruning"]
CMD ["--help"]
