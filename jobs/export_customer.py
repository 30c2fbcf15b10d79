"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/export_customer.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("export_customer")
