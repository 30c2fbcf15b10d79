"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/resolve_identities.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("resolve_identities")
