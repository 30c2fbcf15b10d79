"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/audit_sources.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("audit_sources")
