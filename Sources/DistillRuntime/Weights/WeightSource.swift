import Architectures
import GGUF
import Safetensors

/// The files that a model's weights are read from.
enum WeightSource {
    case safetensors(SafetensorsCheckpoint)
    case gguf(GGUFModel)

    /// The tensors' names, for a GGUF file those that they have in a Hugging Face checkpoint.
    var names: [String] {
        switch self {
        case .safetensors(let checkpoint): checkpoint.names
        case .gguf(let model): model.tensors.map(\.name)
        }
    }

    /// The shape of a tensor, and its type's name.
    func info(_ name: String) -> (shape: [Int], type: String)? {
        switch self {
        case .safetensors(let checkpoint): checkpoint.info(name).map { ($0.shape, $0.dtype.rawValue) }
        case .gguf(let model): model.tensor(named: name).map { ($0.shape, $0.info.type.name) }
        }
    }

    /// The name of a tensor in the file.
    func fileName(of name: String) -> String {
        switch self {
        case .safetensors: name
        case .gguf(let model): model.tensor(named: name)?.info.name ?? name
        }
    }

    /// True if the weights are in blocks of few bits.
    var hasBlocks: Bool {
        guard case .gguf(let model) = self else { return false }
        return model.checkpoint.hasBlocks
    }

    /// Gives back the memory of the file's pages that reading took.
    func releasePages() {
        switch self {
        case .safetensors(let checkpoint): checkpoint.releasePages()
        case .gguf(let model): model.checkpoint.releasePages()
        }
    }
}
