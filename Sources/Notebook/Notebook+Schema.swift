import GRDB

extension Notebook {
  /// The tables, in the versions in which they came. A released version is never changed: what is
  /// new is a further migration.
  static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { database in
      try database.execute(sql: version1)
    }
    return migrator
  }()

  private static let version1 = """
    CREATE TABLE machine (
      id INTEGER PRIMARY KEY,
      identity TEXT NOT NULL UNIQUE,
      description TEXT NOT NULL          -- JSON
    ) STRICT;

    CREATE TABLE trace (
      hash TEXT PRIMARY KEY,             -- of the file's content
      path TEXT NOT NULL,                -- where it was last seen
      program TEXT NOT NULL,
      events INTEGER NOT NULL,
      lastSeen REAL NOT NULL             -- seconds since 1970, here and everywhere below
    ) STRICT, WITHOUT ROWID;

    -- One repeat of one allocator on one trace.
    CREATE TABLE measurement (
      id INTEGER PRIMARY KEY,
      trace TEXT NOT NULL,
      options TEXT NOT NULL,             -- canonical JSON of the workload options
      allocator TEXT NOT NULL,           -- as --design names it
      build TEXT NOT NULL,               -- content hash of its shared object and of the player
      machine INTEGER NOT NULL REFERENCES machine(id),
      kind TEXT NOT NULL,                -- time, twin, latency
      session TEXT NOT NULL,             -- the run of alternating repeats it belongs to
      repetition INTEGER NOT NULL,
      seed INTEGER NOT NULL,
      nanoseconds REAL NOT NULL,         -- the whole replay
      operations INTEGER NOT NULL,
      windows BLOB NOT NULL,             -- nanoseconds per window
      pageFaults INTEGER NOT NULL,
      peakResidentBytes INTEGER NOT NULL,
      coreGHz REAL NOT NULL,
      detail BLOB,                       -- JSON of whatever else was measured
      time REAL NOT NULL
    ) STRICT;
    CREATE INDEX measurementKey ON measurement (trace, allocator, build, options, machine, kind);

    CREATE TABLE simulation (
      trace TEXT NOT NULL,
      options TEXT NOT NULL,
      design TEXT NOT NULL,
      model TEXT NOT NULL,               -- version of the models and of the machine model
      windowCount INTEGER NOT NULL,
      stepCount INTEGER NOT NULL,
      counts BLOB NOT NULL,
      detail BLOB,
      time REAL NOT NULL,
      PRIMARY KEY (trace, options, design, model)
    ) STRICT;

    -- Calibrations, fits, predictions and verdicts: JSON, found by kind and subject.
    CREATE TABLE conclusion (
      id INTEGER PRIMARY KEY,
      kind TEXT NOT NULL,
      subject TEXT NOT NULL,
      machine INTEGER NOT NULL REFERENCES machine(id),
      seed INTEGER NOT NULL,
      content BLOB NOT NULL,
      time REAL NOT NULL
    ) STRICT;
    CREATE INDEX conclusionKey ON conclusion (kind, subject, machine, time);
    """
}
