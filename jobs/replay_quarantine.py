"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/replay_quarantine.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("replay_quarantine")
