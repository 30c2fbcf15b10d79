"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/apply_receipts.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("apply_receipts")
