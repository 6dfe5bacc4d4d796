#!/usr/bin/env bash
# usage: swimlane_tools.sh A2A3SIM OUTPUT_FOLDER
# Upstream's converter must count every block and find our makespan; its critical-path and scheduler
# analyses must accept the folder.
set -euo pipefail
[ -n "${SIMPLER:-}" ] && [ -d "$SIMPLER/simpler_setup/tools" ] || exit 77
sim=$1 out=$2
python=/usr/bin/python3
export PYTHONPATH="$SIMPLER:$SIMPLER/python"
rm -rf "$out"
"$sim" run rmsnorm --out "$out" >/dev/null
records="$out/dfx_outputs/chip_swimlane_records.json"

report=$($python "$SIMPLER/simpler_setup/tools/swimlane_converter.py" "$records" -o "$out/converted.json")
published=$(sed -n 's/^Total Test Time: \([0-9.]*\) us.*/\1/p' <<<"$report")
blocks=$(awk '$1 == "TOTAL" {print $2}' <<<"$report")
$python - "$out/summary.json" "$published" "$blocks" <<'PY'
import json, sys
summary = json.load(open(sys.argv[1]))
tick_us = 0.02  # 50 MHz counter; both ends round down
assert abs(float(sys.argv[2]) - summary["makespan_us"]) <= tick_us + 0.005, (sys.argv[2], summary["makespan_us"])
assert int(sys.argv[3]) == summary["blocks"], (sys.argv[3], summary["blocks"])
PY
cd "$out"
$python -m simpler_setup.tools.critical_path dfx_outputs >/dev/null
$python -m simpler_setup.tools.sched_overhead_analysis --chip-swimlane-records-json \
  dfx_outputs/chip_swimlane_records.json >/dev/null
