"""DAU and MAU of a file of events, a figure a day, as one would with pandas.

pandas_actives.py FILE ENGINE: ENGINE is "pyarrow" or "ujson", what reads the
JSON. Prints, as JSON, what it is and the figures by day.
"""

import json
import sys

import numpy as np
import pandas as pd


def main(path, engine):
    if engine == "pyarrow":
        events = pd.read_json(path, lines=True, engine="pyarrow", dtype_backend="pyarrow")
        logins = events[events["type"] == "login"]
        user = logins["data"].struct.field("user").astype("string[pyarrow]")
    else:
        events = pd.read_json(path, lines=True, dtype=False)
        logins = events[events["type"] == "login"]
        user = logins["data"].str.get("user")
    # The ids of the stream's users hold their customer's: one id is one user.
    day = pd.to_datetime(logins["time"], format="ISO8601", utc=True).dt.floor("D")
    seen = pd.DataFrame({"user": pd.factorize(user)[0], "day": (day - day.min()).dt.days}).drop_duplicates()
    users, days = seen["user"].to_numpy(), seen["day"].to_numpy()
    figures = {}
    for d in range(int(days.max()) + 1):
        name = (day.min() + pd.Timedelta(days=d)).date().isoformat()
        window = (days > d - 30) & (days <= d)
        figures[name] = [int((days == d).sum()), int(np.unique(users[window]).size)]
    json.dump({"pandas": pd.__version__, "figures": figures}, sys.stdout)


main(sys.argv[1], sys.argv[2])
