"""Submit with: spark-submit --properties-file conf/spark-defaults.conf jobs/send_activation.py --help."""

from personalake.pipelines.command import main

if __name__ == "__main__":
    main("send_activation")
