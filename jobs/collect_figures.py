"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/collect_figures.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("collect_figures")
