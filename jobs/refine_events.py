"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/refine_events.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("refine_events")
