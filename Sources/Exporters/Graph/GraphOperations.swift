import Architectures
import Safetensors

/// A value of a graph, by its name.
struct GraphValue: Hashable, Sendable {
    let name: String
}

/// The operations of which the graphs of encoders are made, in one format: a graph is described once, and every format writes
/// it.
///
/// Every operation belongs to a module of the model, after which it is named. Shapes: B batch, L length, N heads, D head size.
protocol GraphOperations: AnyObject {
    /// Adds an input of integers (B, L).
    func tokens(_ name: String) -> GraphValue

    /// Makes a value (B, C), or (B, L, C) where each token has a row, the output `logits`.
    ///
    /// - Parameters:
    ///   - logits: The value.
    ///   - module: The module that computes it.
    ///   - model: The model, for the classes' names.
    func output(_ logits: GraphValue, in module: String, of model: ExportableModel)

    /// Adds a linear layer: (…, in) → (…, out), with a bias where the model has one.
    ///
    /// - Parameters:
    ///   - x: The input.
    ///   - module: The layer's name in the model.
    ///   - shape: The shape of its weight, (out, in).
    ///   - model: The model that holds its tensors.
    ///   - dtype: The type that the model is exported in.
    /// - Throws: ``ExportError`` where a tensor is missing, or has another shape or type.
    func linear(
        _ x: GraphValue, _ module: String, shape: [Int], of model: ExportableModel, _ dtype: ExportDType
    ) throws -> GraphValue

    /// Looks up rows of a table: integers (…) → (…, width).
    ///
    /// - Parameters:
    ///   - module: The table's name in the model.
    ///   - choice: The rows.
    ///   - shape: The shape of its weight, (rows, width).
    ///   - model: The model that holds its tensors.
    ///   - dtype: The type that the model is exported in.
    /// - Throws: ``ExportError`` where a tensor is missing, or has another shape or type.
    func rows(
        of module: String, _ choice: RowChoice, shape: [Int], of model: ExportableModel,
        _ dtype: ExportDType
    ) throws -> GraphValue

    /// Adds layer normalization over the last axis (Ba et al., arXiv 1607.06450).
    ///
    /// - Parameters:
    ///   - x: The input.
    ///   - module: The norm's name in the model.
    ///   - norm: Its width, epsilon and whether it has a bias.
    ///   - model: The model that holds its tensors.
    /// - Throws: ``ExportError`` where a tensor is missing, or has another shape or type.
    func layerNorm(
        _ x: GraphValue, _ module: String, _ norm: NormShape, of model: ExportableModel
    ) throws -> GraphValue

    /// Adds an activation function.
    ///
    /// - Parameters:
    ///   - name: The activation's name in `config.json`.
    ///   - x: The input, of any shape.
    ///   - module: The module that it is a part of.
    func activation(_ name: ActivationName, _ x: GraphValue, in module: String) -> GraphValue

    /// Adds an operation on two values of one type, whose shapes are broadcast.
    func binary(_ operation: BinaryOperation, _ a: GraphValue, _ b: GraphValue, in module: String)
        -> GraphValue

    /// Adds an operation on each element.
    func unary(_ operation: UnaryOperation, _ x: GraphValue, in module: String) -> GraphValue

    /// Multiplies matrices, the last two axes.
    func matmul(_ a: GraphValue, _ b: GraphValue, in module: String) -> GraphValue

    /// Adds a softmax over the last axis.
    func softmax(_ x: GraphValue, in module: String) -> GraphValue

    /// Sums over an axis, which stays with size 1.
    func sum(_ x: GraphValue, axis: Int, in module: String) -> GraphValue

    /// Sums each number and those before it along axis 1, of integers (B, L).
    func cumulativeSum(_ x: GraphValue, in module: String) -> GraphValue

    /// Orders the axes anew.
    func transpose(_ x: GraphValue, _ order: [Int], in module: String) -> GraphValue

    /// Keeps the first two axes, and gives the others new sizes.
    func reshape(_ x: GraphValue, last sizes: [Int], in module: String) -> GraphValue

    /// Takes the elements from `start` on, before `end`, of an axis.
    func slice(_ x: GraphValue, axis: Int, from start: Int, to end: Int, in module: String) -> GraphValue

    /// Inserts axes of size 1.
    func insert(axes: [Int], _ x: GraphValue, in module: String) -> GraphValue

    /// Removes an axis of size 1.
    func remove(axis: Int, _ x: GraphValue, in module: String) -> GraphValue

    /// Joins values at their last axis.
    func joined(_ values: [GraphValue], in module: String) -> GraphValue

    /// The positions of tokens, integers (L) from 0, for ids (B, L).
    func positions(of ids: GraphValue, in module: String) -> GraphValue

    /// Takes elements of a list of integers by their index.
    func elements(of list: GraphValue, at indices: GraphValue, in module: String) -> GraphValue

    /// Takes, along the last axis of (B, N, M, S), the elements that indices (1, 1, M, K) name: (B, N, M, K).
    func elements(ofLastAxisOf x: GraphValue, at indices: GraphValue, in module: String) -> GraphValue

    /// Compares integers with a number: booleans.
    func compare(_ x: GraphValue, _ comparison: Comparison, in module: String) -> GraphValue

    /// Converts booleans to 0 where true, and to the lowest number for scores where false.
    func additive(_ isVisible: GraphValue, in module: String) -> GraphValue

    /// Converts numbers to another kind; the same value where both kinds have one type.
    func convert(
        _ x: GraphValue, _ kind: NumberKind, to other: NumberKind, in module: String
    ) -> GraphValue

    /// A constant number in the type of the computation.
    func scalar(_ number: Float, _ name: String) -> GraphValue

    /// Constant float32 numbers (count).
    func float32s(_ numbers: [Float], _ name: String) -> GraphValue

    /// A constant integer.
    func integer(_ number: Int) -> GraphValue

    /// A constant tensor in the type of the computation.
    ///
    /// - Parameters:
    ///   - data: Makes it in a type.
    ///   - name: Its name.
    /// - Throws: What making it throws.
    func tensor(_ data: (SafetensorsDType) throws -> TensorData, _ name: String) throws -> GraphValue

    /// Constant integers (count).
    func integers(_ numbers: [Int], _ name: String) -> GraphValue
}

/// The shape of a layer norm.
struct NormShape {
    let width: Int
    let epsilon: Double
    let hasBias: Bool
}

/// The rows of a table that are looked up.
enum RowChoice {
    /// Those of indices, of any shape.
    case at(GraphValue)
    /// As many of the first as ids (B, L) have tokens in an example.
    case first(as: GraphValue, in: String)
    /// The first one, (1, width).
    case zero
    /// All of them.
    case all
}

enum BinaryOperation {
    case add, subtract, multiply, divide, minimum
}

enum UnaryOperation {
    case absolute, negative, cosine, sine, squareRoot
}

enum Comparison {
    case isNotZero
    case differs(from: Int)
    case isAtMost(Int)
}

/// A kind of numbers.
enum NumberKind {
    case booleans
    case integers
    /// The type of the computation.
    case floats
    /// The type of attention scores and rotations: float32, or what the format computes all in.
    case scores
    case float32
}
