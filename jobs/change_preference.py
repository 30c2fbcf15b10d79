"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/change_preference.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("change_preference")
