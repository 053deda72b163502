"""The answers of the front page: facts, whose words are those of ``templates/answers/``."""
