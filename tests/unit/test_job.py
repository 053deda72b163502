import subprocess
import sys


def test_garbage_is_left_alone_while_a_script_imports_and_collected_in_its_work(tmp_path):
    script = (
        "from layer_pruning.job import job\n"
        "import gc\n"
        "importing = gc.isenabled()\n"
        f"with job({str(tmp_path / 'job.log')!r}):\n"
        "    print(importing, gc.isenabled())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"], done.stderr
