"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/build_journeys.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("build_journeys")
