"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/plan_activation.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("plan_activation")
