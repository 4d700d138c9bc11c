import Files
import Foundation

/// The folder of an output's checkpoints: `student.checkpoints` beside `student`.
///
/// It is beside the output because that is replaced as a whole with each save.
struct CheckpointFolder {
    let url: URL

    /// - Parameter output: The directory in which the run's model is saved.
    init(for output: URL) {
        // As for the model: the folder is beside what a link leads to.
        let output = output.standardizedFileURL.resolvingSymlinksInPath()
        url = output.deletingLastPathComponent().appending(
            path: output.lastPathComponent + ".checkpoints", directoryHint: .isDirectory)
    }

    /// The complete checkpoints, by their steps.
    var checkpoints: [(steps: Int, url: URL)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.compactMap { name in
            Self.steps(name).map { ($0, url.appending(path: name, directoryHint: .isDirectory)) }
        }.filter { Self.isCheckpoint($0.1) }.sorted { $0.0 < $1.0 }
    }

    /// Returns true if a directory has what every checkpoint has.
    static func isCheckpoint(_ url: URL) -> Bool {
        FileManager.default.fileExists(atPath: url.appending(path: Checkpoint.sumsName).path)
    }

    /// Returns true if a checkpoint is in the folder.
    func holds(_ checkpoint: URL) -> Bool {
        func path(_ url: URL) -> String { url.standardizedFileURL.resolvingSymlinksInPath().path }
        return path(checkpoint.deletingLastPathComponent()) == path(url)
    }

    /// The directory of the checkpoint after so many steps.
    func checkpoint(_ steps: Int) -> URL {
        url.appending(path: "checkpoint-\(steps)", directoryHint: .isDirectory)
    }

    /// The steps of a checkpoint by its directory's name; `nil` for any other name.
    private static func steps(_ name: String) -> Int? {
        guard name.hasPrefix("checkpoint-") else { return nil }
        let digits = name.dropFirst("checkpoint-".count)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(digits)
    }

    /// Removes what was being written or removed when a process was killed, and the folder where nothing else is in it.
    func removeLeftovers() -> Leftovers.Removed? {
        let removed = Leftovers.remove(in: url)
        rmdir(url.path)
        return removed
    }

    /// Removes checkpoints, and the folder where nothing else is in it.
    func remove(where isUnwanted: (Int) -> Bool) {
        for (steps, directory) in checkpoints where isUnwanted(steps) {
            Leftovers.discard(directory)
        }
        rmdir(url.path)
    }
}
