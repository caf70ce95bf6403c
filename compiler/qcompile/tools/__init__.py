"""The outside world: other programs, the packaged hardware library, caches and output folders.

The only package that starts other programs. No environment variable of ours steers anything; the user's cache
folder is found as every program finds it (XDG_CACHE_HOME, else ~/.cache).
"""
