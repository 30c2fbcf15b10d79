"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/ingest_records.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("ingest_records")
