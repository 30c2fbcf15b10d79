"""personalake: from a company's raw customer data to personal decisions, as Spark jobs over Delta tables."""

__version__ = "0.1.0"
