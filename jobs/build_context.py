"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/build_context.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("build_context")
