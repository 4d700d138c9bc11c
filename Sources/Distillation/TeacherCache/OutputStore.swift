import Files
import Foundation

/// A teacher's outputs by example: those on disk, and those computed now.
///
/// On disk they are in `teachers/<key>/` of the cache, in segments that never change: each is written under a
/// temporary name and renamed, so that processes that write at the same time, or die while they write, leave whole
/// segments only. Segments copied there from another machine are found. Without a directory, or once it cannot be
/// written, everything stays in memory.
final class OutputStore {
    let form: OutputForm
    /// The numbers of a row.
    var classes: Int { form.width }
    private(set) var segments: [any OutputSegment] = []
    /// Warnings for the user.
    private(set) var warnings: [String] = []
    /// The directory of the segments; `nil` where nothing is, or can be, kept.
    private(set) var directory: URL?
    private let key: String
    /// True if outputs that cannot be kept are an error, rather than staying in memory.
    private let mustKeep: Bool
    /// A lock that keeps other processes from pruning the directory.
    private var use: FileUse?

    private var pendingKeys: [ExampleKey] = []
    private var pendingValues: [Float] = []
    private var pendingRows: [ExampleKey: Int] = [:]
    private var lastFlush = ContinuousClock.now

    /// Pending results are written after this many rows, or this time.
    static let rowsPerSegment = 32_768
    static let flushInterval = Duration.seconds(30)
    /// The least number of rows worth a file of their own where disk space is short.
    static let leastRows = 64
    /// The number of files above which they are merged into one at the end.
    static let fileLimit = 4

    /// A store in memory.
    init(_ form: OutputForm) {
        self.form = form
        key = ""
        mustKeep = false
    }

    /// A store on disk.
    ///
    /// - Parameters:
    ///   - root: The cache's directory.
    ///   - mustKeep: True if outputs that cannot be kept are an error, rather than staying in memory.
    ///   - isReadOnly: True if outputs that are computed now stay in memory: another process keeps them.
    init(root: URL, identity: TeacherIdentity, mustKeep: Bool = false, isReadOnly: Bool = false) {
        form = identity.form
        key = identity.key
        self.mustKeep = mustKeep
        let directory = root.appending(path: "teachers").appending(path: key)
        if isReadOnly {
            open(directory)
            return
        }
        let manager = FileManager.default
        do {
            try makeCacheDirectory(directory)
            let description = directory.appending(path: TeacherIdentity.fileName)
            use = FileUse(directory)
            if !manager.fileExists(atPath: description.path) {
                try AtomicFile.write(identity.description, to: description)
            }
            try identity.writeSource(to: directory)
        } catch {
            warnUnwritable(error)
            // Existing outputs can still be read.
            open(directory)
            return
        }
        self.directory = directory
        open(directory)
    }

    /// True if rows are stored where later runs find them.
    var isPersistent: Bool { directory != nil }

    // MARK: - Looking up

    /// The row of a key among all rows of ``segments``.
    func row(of key: ExampleKey) -> Int? {
        var first = 0
        for segment in segments {
            if let row = segment.row(of: key) { return first + row }
            first += segment.count
        }
        return nil
    }

    /// Returns the rows of some keys, one after another; `nil` where one of them is not in ``segments``.
    ///
    /// - Throws: `FileError` where a row cannot be read.
    func rows(of keys: [ExampleKey]) throws -> [Float]? {
        let found = keys.compactMap { row(of: $0) }
        guard found.count == keys.count else { return nil }
        let outputs = StoredTeacherOutputs(
            classes: classes, segments: segments, rows: found.map { UInt32($0) })
        return try outputs.rows(0..<found.count)
    }

    /// Returns true if there is a row for a key, even one that is not in a segment yet.
    func contains(_ key: ExampleKey) -> Bool { pendingRows[key] != nil || row(of: key) != nil }

    // MARK: - Storing

    /// Checks, before more rows are computed, that they can be kept where they must be.
    ///
    /// - Throws: `FileError` where the disk has no room for them. What was computed before is kept.
    func requireRoom(rows: Int) throws {
        guard mustKeep, let directory else { return }
        let size = ExampleKey.size + form.rowBytes
        // With the checksums and the description of the file.
        func lacksRoom(_ rows: Int) -> Bool {
            FreeSpace.bytes(at: directory).map { $0 < rows * size + 8192 } ?? false
        }
        guard lacksRoom(pendingKeys.count + rows) else { return }
        try flush()
        guard lacksRoom(rows) else { return }
        throw FileError.writeFailed(directory.path, reason: String(cString: strerror(ENOSPC)))
    }

    /// Adds computed rows.
    ///
    /// - Throws: `FileError` where they must be kept and cannot be.
    func append(_ keys: [ExampleKey], _ values: [Float]) throws {
        for key in keys {
            pendingRows[key] = pendingKeys.count
            pendingKeys.append(key)
        }
        pendingValues += values
        if pendingKeys.count >= Self.rowsPerSegment || ContinuousClock.now - lastFlush >= Self.flushInterval {
            try flush()
        }
    }

    /// Writes the pending rows as a segment.
    ///
    /// - Throws: `FileError` where it must be kept and cannot be; as much as fits is kept.
    func flush() throws {
        lastFlush = .now
        guard !pendingKeys.isEmpty else { return }
        let order = pendingKeys.indices.sorted { pendingKeys[$0] < pendingKeys[$1] }
        let keys = order.map { pendingKeys[$0] }
        var values: [Float] = []
        values.reserveCapacity(pendingValues.count)
        for row in order { values += pendingValues[row * classes..<(row + 1) * classes] }
        (pendingKeys, pendingValues, pendingRows) = ([], [], [:])
        let memory = MemorySegment(keys: keys, values: values, classes: classes)
        if let directory {
            do {
                segments.append(try write([memory], to: directory))
                return
            } catch {
                if mustKeep {
                    keepPart(of: memory, in: directory)
                    throw error
                }
                warnUnwritable(error)
                self.directory = nil
            }
        }
        segments.append(memory)
    }

    /// Writes as many rows as there is disk space for.
    private func keepPart(of memory: MemorySegment, in directory: URL) {
        var (start, size) = (0, memory.count / 2)
        while start < memory.count, size >= Self.leastRows {
            let end = min(start + size, memory.count)
            let part = MemorySegment(
                keys: Array(memory.keys[start..<end]),
                values: Array(memory.values[start * classes..<end * classes]), classes: classes)
            if let segment = try? write([part], to: directory) {
                segments.append(segment)
                start = end
            } else {
                size /= 2
            }
        }
    }

    /// Merges many small files into one, unless another process is doing so.
    func compact() {
        let files = segments.compactMap { $0 as? FileSegment }
        guard let directory, files.count == segments.count, files.count > Self.fileLimit else { return }
        guard let lock = FileLock(directory.appending(path: "lock")) else { return }
        defer { lock.unlock() }
        // The old files are removed only once the new one is in place. Processes that have them open can go on reading
        // them. Where the new one cannot be written, they stay.
        guard let merged = try? write(files, to: directory) else { return }
        segments = [merged]
        for file in files { try? FileManager.default.removeItem(at: file.url) }
    }

    /// Releases the memory that looking up took.
    func release() { for segment in segments { segment.release() } }

    /// Writes the rows of some segments as one.
    private func write(_ parts: [any OutputSegment], to directory: URL) throws -> FileSegment {
        let sources = merged(parts)
        let name = String(UInt64.random(in: .min ... .max), radix: 36)
        let url = directory.appending(path: "\(name).\(FileSegment.fileExtension)")
        try FileSegment.write(
            to: url, teacher: key, form: form, count: sources.count,
            key: { parts[Int(sources[$0].part)].key(Int(sources[$0].row)) },
            row: { try parts[Int(sources[$0].part)].appendRow(Int(sources[$0].row), to: &$1) })
        return try FileSegment(url, teacher: key, form: form)
    }

    /// Merges the sorted keys of some segments, each key once.
    private func merged(_ parts: [any OutputSegment]) -> [(part: UInt32, row: UInt32)] {
        var sources: [(part: UInt32, row: UInt32)] = []
        var heads = parts.map { _ in 0 }
        var last: ExampleKey?
        while true {
            var best: (part: Int, key: ExampleKey)?
            for (part, segment) in parts.enumerated() where heads[part] < segment.count {
                let key = segment.key(heads[part])
                if best.map({ key < $0.key }) ?? true { best = (part, key) }
            }
            guard let best else { return sources }
            if best.key != last { sources.append((UInt32(best.part), UInt32(heads[best.part]))) }
            last = best.key
            heads[best.part] += 1
        }
    }

    // MARK: - Opening

    private func open(_ directory: URL) {
        // A file that another process merges away between listing and opening shows in the next listing.
        for _ in 0..<3 where !openAll(directory) {}
    }

    /// - Returns: `false` where a file disappeared meanwhile.
    private func openAll(_ directory: URL) -> Bool {
        segments = []
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        for name in names.sorted() where name.hasSuffix("." + FileSegment.fileExtension) {
            if name.hasPrefix(".") { continue }
            let url = directory.appending(path: name)
            do {
                segments.append(try FileSegment(url, teacher: key, form: form))
            } catch FileError.missing {
                return false
            } catch ChecksummedFile.Problem.foreign(let reason) {
                warn(
                    "\(url.path): not a segment of this teacher's outputs: \(reason); it is ignored, remove it"
                )
            } catch ChecksummedFile.Problem.damaged(let reason) {
                try? FileManager.default.removeItem(at: url)
                warn("\(url.path): \(reason); the file is removed and its outputs are computed again")
            } catch {
                warn("\(error); its outputs are computed again")
            }
        }
        return true
    }

    private func warn(_ text: String) { if !warnings.contains(text) { warnings.append(text) } }

    private func warnUnwritable(_ error: any Error) {
        warn(
            "\(error); the teacher's outputs are not kept for later runs. Choose another --cache-dir, "
                + "or pass --no-teacher-cache.")
    }
}
