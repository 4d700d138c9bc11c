import CKernels
import DistillRuntime
import Storage
import Tokenizers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes text to a descriptor, whole.
///
/// - Returns: False where its reader has closed it, or the disk is full.
func write(_ text: String, to descriptor: Int32) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
        var rest = UnsafeRawBufferPointer(bytes)
        while let start = rest.baseAddress, !rest.isEmpty {
            let written = write(descriptor, start, rest.count)
            if written < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                return false
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
        }
        return true
    }
}

/// Writes to standard output; ends the program where that fails, without an error where its reader has had enough.
func output(_ text: String) {
    guard !write(text, to: STDOUT_FILENO) else { return }
    let code = errno
    if code == EPIPE { exit(0) }
    _ = write(
        "Error: standard output cannot be written: \(String(cString: strerror(code)))\n", to: STDERR_FILENO)
    exit(1)
}

func fail(_ error: some Error, _ code: Int32) -> Never {
    _ = write("Error: \(error)\n", to: STDERR_FILENO)
    exit(code)
}

signal(SIGPIPE, SIG_IGN)
MappedFile.endsWhereShortened()

do {
    let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
    if arguments.showsHelp {
        output(Arguments.help + "\n")
        exit(0)
    }
    if arguments.showsVersion {
        output(Version.current + "\n")
        exit(0)
    }
    if arguments.threads > 0 { ck_set_threads(arguments.threads) }
    if LanguageModel.isLanguageModel(arguments.model) {
        let texts = try TextRun(arguments)
        for warning in texts.warnings { _ = write("WARNING: \(warning)\n", to: STDERR_FILENO) }
        try texts.generate(output)
        exit(0)
    }
    let prediction = try PredictionRun(arguments)
    for warning in prediction.warnings { _ = write("WARNING: \(warning)\n", to: STDERR_FILENO) }
    try prediction.predict(output)
    if let warning = prediction.cutWarning { _ = write("WARNING: \(warning)\n", to: STDERR_FILENO) }
} catch let error as UsageError {
    fail(error, 64)
} catch let error as Interruption {
    fail(error, 128 + error.number)
} catch {
    fail(error, 1)
}
