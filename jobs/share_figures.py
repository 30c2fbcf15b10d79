"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/share_figures.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("share_figures")
