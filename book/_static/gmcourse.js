// Search summaries are fetched page by page, which a browser refuses on file://.
// There the results are shown without them, and the search stays offline.
if (location.protocol === "file:") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
