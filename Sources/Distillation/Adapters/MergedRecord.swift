import Files
import Foundation
import Safetensors
import Synchronization

/// What a merged model was made of, and the digests of its files: the file `merged.json` in its directory.
struct MergedRecord: Codable {
    /// The adapters' directory.
    var adapters: String
    /// The base model's directory or GGUF file.
    var base: String
    /// Every other file of the directory.
    var files: [File]

    /// A file and its digest.
    struct File: Codable {
        /// Its path in the directory.
        var name: String
        var sha256: String
    }

    /// The record's file.
    static let fileName = "merged.json"

    /// Describes the files of a directory.
    ///
    /// - Throws: `FileError` where one cannot be read.
    init(of directory: URL, adapters: URL, base: URL) throws {
        (self.adapters, self.base) = (adapters.absolutePath, base.absolutePath)
        files = try Self.names(in: directory).map {
            File(name: $0, sha256: try Digest.sha256(ofFile: directory.appending(path: $0)))
        }
    }

    /// Reads a directory's record; `nil` where there is none that can be read.
    init?(contentsOf directory: URL) {
        let file = directory.appending(path: Self.fileName)
        guard let text = try? String(contentsOf: file, encoding: .utf8),
            let record = try? JSONText.decode(Self.self, from: text)
        else { return nil }
        self = record
    }

    /// Writes the record beside the files that it describes.
    ///
    /// - Throws: `FileError` where the disk is full or must not be written.
    func write(to directory: URL) throws {
        try AtomicFile.write(
            try JSONText.encode(self) + "\n", to: directory.appending(path: Self.fileName))
    }

    /// Returns what is wrong with the files of a directory; `nil` where they are as they were written.
    ///
    /// - Parameter memo: Knows the digests of large files that have not changed since.
    func problem(in directory: URL, memo: DigestMemo) -> String? {
        for file in files {
            do {
                guard try memo.sha256(ofFile: directory.appending(path: file.name)) == file.sha256 else {
                    return "its file \(file.name) has changed since it was written"
                }
            } catch { return "its file \(file.name) cannot be read: \(error)" }
        }
        let known = Set(files.map(\.name))
        let other = Self.names(in: directory).first { !known.contains($0) }
        return other.map { "holds \($0), which is not of the merged model" }
    }

    /// The paths of a directory's files below it, but for the record, and for hidden ones, which are of file managers.
    private static func names(in directory: URL) -> [String] {
        let all = (try? FileManager.default.subpathsOfDirectory(atPath: directory.path)) ?? []
        return all.sorted().filter { name in
            var isDirectory = ObjCBool(false)
            let path = directory.appending(path: name).path
            let isOwn = name != fileName && !name.hasPrefix(".") && !name.contains("/.")
            return isOwn && FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }
    }
}

extension MergedAdapter {
    /// What the merged models that this process has asked for are of, by their directories.
    private static let asked = Mutex<[String: [URL]]>([:])

    /// Keeps in mind what a merged model is of.
    static func remember(_ merged: URL, _ sources: [URL]) {
        let place = place(merged)
        asked.withLock { all in
            let known = all[place] ?? []
            all[place] = known + sources.filter { !known.contains($0) }
        }
    }

    /// The adapters and the base model that a merged model is of, which a command reads where it reads that model; none for another
    /// directory.
    package static func sources(of directory: URL) -> [URL] {
        let known = asked.withLock { $0[place(directory)] ?? [] }
        // One that was named by its own directory is of what its record says.
        guard known.isEmpty, isMerged(directory), let record = MergedRecord(contentsOf: directory) else {
            return known
        }
        return [URL(filePath: record.adapters), URL(filePath: record.base)]
    }

    /// Returns true if a directory is that of a merged model in a cache.
    static func isMerged(_ directory: URL) -> Bool {
        directory.standardizedFileURL.deletingLastPathComponent().lastPathComponent == folder
            && directory.appending(path: MergedRecord.fileName).fileExists
    }

    private static func place(_ directory: URL) -> String {
        directory.standardizedFileURL.resolvingSymlinksInPath().path
    }

    /// Returns what is wrong with what the cache's folder holds under a name; `nil` for a merged model that is as it was written.
    static func problem(_ directory: URL) -> String? {
        guard directory.appending(path: "config.json").fileExists else {
            return "is no merged model: it has no config.json"
        }
        if let record = MergedRecord(contentsOf: directory) {
            return record.problem(in: directory, memo: DigestMemo(root: nil))
        }
        guard !directory.appending(path: MergedRecord.fileName).fileExists else {
            return "its file \(MergedRecord.fileName) is damaged"
        }
        do {
            _ = try SafetensorsCheckpoint(directory: directory)
            return nil
        } catch { return "\(error)" }
    }
}
