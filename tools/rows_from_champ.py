#!/usr/bin/env python3
"""The competition problems of CHAMP (270 with answers) as rows for Cohort's math reward.

pip install champ-dataset; tools/rows_from_champ.py > champ.jsonl
cohort eval --model MODEL --data champ.jsonl --reward_funcs math
"""
import json

import champ_dataset

for problem in champ_dataset.load("v0").problems.values():
    print(json.dumps({"prompt": problem.text, "answer": problem.answer, "data_source": "champ", "id": problem.identifier},
                     ensure_ascii=False))
