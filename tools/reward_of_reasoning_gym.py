#!/usr/bin/env python3
"""The checkers of reasoning-gym as a reward of Cohort: --reward_funcs 'command:python3 tools/reward_of_reasoning_gym.py'.

Reads questions on rows of rows_from_reasoning_gym.py as JSON lines (docs/rewards.md), takes what stands in the last <answer> tag,
and answers with the generator's score of it, 0 to 1. pip install reasoning-gym
"""
import json
import re
import sys

import reasoning_gym


def score(question):
    entry = question["row"]["reasoning_gym"]
    found = re.findall(r"<answer>(.*?)</answer>", question["completion"], re.DOTALL)
    return float(reasoning_gym.get_score_answer_fn(entry["metadata"]["source_dataset"])(
        found[-1].strip() if found else None, entry))


for line in sys.stdin:
    question = json.loads(line)
    answer = {"id": question["id"]}
    try:
        answer["reward"] = score(question)
    except Exception as fault:  # the run counts it, and says so
        answer |= {"reward": None, "reason": f"{type(fault).__name__}: {fault}"}
    print(json.dumps(answer), flush=True)
