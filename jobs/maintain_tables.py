"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/maintain_tables.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("maintain_tables")
