"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/publish_counts.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("publish_counts")
