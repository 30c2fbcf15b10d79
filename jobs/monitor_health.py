"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/monitor_health.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("monitor_health")
