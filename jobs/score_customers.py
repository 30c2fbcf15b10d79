"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/score_customers.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("score_customers")
