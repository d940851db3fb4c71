"""What holds for every test."""

import os

# The trees of the tests stand for the node that runs here, as the stand-in kubelet makes them; what is refused without
# this word is shown in test_restart_elsewhere.py.
os.environ["KUBEPKI_NODE_RUNS_HERE"] = "1"
