"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/decide_actions.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("decide_actions")
