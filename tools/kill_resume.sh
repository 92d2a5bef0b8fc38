#!/bin/sh
# Kills runs (SIGKILL) at random moments and inside random file operations, resumes each, and compares logs, journal and the
# last checkpoint byte for byte with an undisturbed run.
#   tools/kill_resume.sh [BUILD_DIR] [KILLS] [SEED]      default: build 50 1
set -eu
build=${1:-build}
COHORT_KILLS=${2:-50} COHORT_KILL_SEED=${3:-1} exec "$build/resume_test" --gtest_filter=Resume.KilledAtRandomMoments
