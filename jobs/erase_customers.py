"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/erase_customers.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("erase_customers")
