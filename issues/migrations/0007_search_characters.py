"""Single characters in the index of texts as well: 灯 is a word. And a cost, so that the planner asks the index and does
not run the function on row after row."""

from django.db import migrations

GRAMS = """
CREATE OR REPLACE FUNCTION search_grams(words text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 300 AS $$
    SELECT ARRAY(
        SELECT substr(lower(words), n, size) FROM generate_series(1, length(words)) n, generate_series(1, 2) size
    )
$$;
REINDEX INDEX issues_text_grams;
"""
PAIRS = """
CREATE OR REPLACE FUNCTION search_grams(words text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT substr(lower(words), n, 2) FROM generate_series(1, length(words)) n)
$$;
REINDEX INDEX issues_text_grams;
"""


class Migration(migrations.Migration):
    dependencies = [("issues", "0006_search")]

    operations = [migrations.RunSQL(GRAMS, PAIRS)]
