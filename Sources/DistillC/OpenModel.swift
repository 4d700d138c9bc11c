import CDistill
import DistillRuntime
import Tokenizers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A model that C holds, with its labels as C strings.
final class OpenModel: Sendable {
    /// What a directory holds.
    enum Content: Sendable {
        case predictor(LinePredictor)
        case languageModel(LanguageModel)
    }

    let content: Content
    nonisolated(unsafe) let labels: [UnsafeMutablePointer<CChar>?]

    init(_ content: Content) {
        self.content = content
        if case .predictor(let predictor) = content {
            labels = predictor.labels.map { strdup($0) }
        } else {
            labels = []
        }
    }

    deinit { for label in labels { free(label) } }

    /// - Throws: ``InterfaceError`` for a language model.
    var predictor: LinePredictor {
        get throws {
            switch content {
            case .predictor(let predictor): return predictor
            case .languageModel(let model):
                throw InterfaceError(
                    description:
                        "\(model.path): is a language model, which writes texts; use distill_generate")
            }
        }
    }

    /// - Throws: ``InterfaceError`` for a model that is none.
    var languageModel: LanguageModel {
        get throws {
            switch content {
            case .languageModel(let model): return model
            case .predictor(let predictor):
                throw InterfaceError(
                    description:
                        "\(predictor.path): is no language model; use distill_predict or distill_embed")
            }
        }
    }
}

struct InterfaceError: Error, CustomStringConvertible {
    let description: String
}

/// Runs a body; sets C's error where it fails.
func guarded<Result>(
    _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ body: () throws -> Result
) -> Result? {
    error?.pointee = nil
    do { return try body() } catch let failure {
        error?.pointee = strdup(String(describing: failure))
        return nil
    }
}

func opened(_ model: OpaquePointer?) throws -> OpenModel {
    guard let model else {
        throw InterfaceError(description: "the model is null; open one with distill_open")
    }
    return Unmanaged<OpenModel>.fromOpaque(UnsafeRawPointer(model)).takeUnretainedValue()
}

/// A C string's text.
///
/// - Parameter name: What it is called in messages.
func text(_ string: UnsafePointer<CChar>?, _ name: @autoclosure () -> String) throws -> String {
    guard let string else { throw InterfaceError(description: "\(name()) is null") }
    guard let text = String(validatingCString: string) else {
        throw InterfaceError(description: "\(name()): the bytes are not UTF-8; convert the text to UTF-8")
    }
    return text
}
