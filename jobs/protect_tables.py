"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/protect_tables.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("protect_tables")
