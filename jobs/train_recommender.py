"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/train_recommender.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("train_recommender")
