# Sourced: lets every clone and build directory share one cache of compiled files.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
