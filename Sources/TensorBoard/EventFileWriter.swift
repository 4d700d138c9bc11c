import Files
import Foundation

/// Writes curves as an event file that `tensorboard --logdir` shows.
///
/// Each record is written to the system at once, so that a run can be watched, and one that dies leaves its log.
///
/// Source: TensorFlow's `record_writer.h` (length, masked CRC-32C of it, data, masked CRC-32C of that, little-endian)
/// and `event.proto`.
public final class EventFileWriter {
    /// The file's path.
    public let url: URL
    private let file: AppendedFile

    /// Makes a file in a directory, beside those of other runs.
    ///
    /// - Parameters:
    ///   - directory: Made if it is not there.
    ///   - time: When the run began.
    /// - Throws: `FileError` where it cannot be written.
    public init(directory: URL, time: Date = Date()) throws {
        let process = ProcessInfo.processInfo
        let seconds = String(format: "%010d", Int(time.timeIntervalSince1970))
        let host = process.hostName.replacing("/", with: "_")
        let unique = UInt32.random(in: 0..<1_000_000)
        url = directory.appending(
            path: "events.out.tfevents.\(seconds).\(host).\(process.processIdentifier).\(unique)")
        file = try AppendedFile(url)
        try write(Event(wallTime: time.timeIntervalSince1970, step: 0, content: .fileVersion))
    }

    /// Adds a point to each of some curves.
    ///
    /// - Parameters:
    ///   - scalars: Values by tag, such as `train/loss`.
    ///   - step: The point's position on the axis.
    ///   - time: When it was measured.
    /// - Throws: `FileError` where it cannot be written.
    public func add(_ scalars: [(tag: String, value: Double)], step: Int, time: Date = Date()) throws {
        guard !scalars.isEmpty else { return }
        try write(
            Event(
                wallTime: time.timeIntervalSince1970, step: step,
                content: .scalars(scalars.map { ($0.tag, Float($0.value)) })))
    }

    /// Says that a run goes on from a checkpoint: TensorBoard leaves out points of this step, and of later ones, that were written
    /// before.
    ///
    /// - Parameters:
    ///   - step: The first step that is done again.
    ///   - time: When the run went on.
    /// - Throws: `FileError` where it cannot be written.
    public func addSessionStart(step: Int, time: Date = Date()) throws {
        try write(Event(wallTime: time.timeIntervalSince1970, step: step, content: .sessionStart))
    }

    private func write(_ event: Event) throws {
        let data = event.bytes
        let length = littleEndian(UInt64(data.count))
        try file.append(
            length + littleEndian(CRC32C.masked(length)) + data + littleEndian(CRC32C.masked(data)))
    }
}
