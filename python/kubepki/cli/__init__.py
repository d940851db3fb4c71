"""The command line: reads arguments, calls the library, prints; it decides nothing about certificates.

One module a verb. `verbs` lists them, `main` loads only the one that was asked for, `failure` prints errors.
stdout is data, stderr is talk.
"""
