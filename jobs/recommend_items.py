"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/recommend_items.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("recommend_items")
