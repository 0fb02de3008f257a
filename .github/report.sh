#!/usr/bin/env bash
# Say that a weekly run failed: an issue, or one more comment where it is open already.
#   GH_TOKEN=... bash .github/report.sh TITLE
set -euo pipefail
title=$1
run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
known=$(gh issue list --repo "$GITHUB_REPOSITORY" --state open --limit 200 \
  --json number,title | jq --arg title "$title" 'map(select(.title == $title))[0].number // empty')
if [ -n "$known" ]; then
  gh issue comment "$known" --repo "$GITHUB_REPOSITORY" --body "Again: $run"
else
  gh issue create --repo "$GITHUB_REPOSITORY" --title "$title" --body "The weekly run failed: $run"
fi
