-- How far each job has come: the last time that was dealt with, in milliseconds since 1970.
CREATE TABLE purlin_job_marks (
    job TEXT NOT NULL PRIMARY KEY,
    due INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How the last runs of each job went. Times in milliseconds since 1970.
CREATE TABLE purlin_job_runs (
    id TEXT NOT NULL PRIMARY KEY,
    job TEXT NOT NULL,
    trigger_name TEXT NOT NULL,
    due INTEGER NOT NULL,
    started INTEGER NOT NULL,
    took_us INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT,
    token INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX purlin_job_runs_of_job ON purlin_job_runs (job, started DESC, id DESC);
