/// An expression of a template.
final class Expression: Sendable {
    indirect enum Kind: Sendable {
        case constant(Constant)
        case name(String)
        case tuple([Expression])
        case list([Expression])
        case dictionary([(key: Expression, value: Expression)])
        case conditional(test: Expression, then: Expression, otherwise: Expression?)
        case any([Expression])
        case all([Expression])
        case not(Expression)
        case comparison(Expression, [(comparison: Comparison, right: Expression)])
        /// Operators of one precedence, from left to right.
        case arithmetic(Expression, [(operation: Operation, right: Expression)])
        case concatenation([Expression])
        case negative(Expression)
        case positive(Expression)
        case postfix(Expression, [Postfix])
    }

    enum Constant: Sendable {
        case none
        case bool(Bool)
        case integer(Int)
        case float(Double)
        case string(String)
    }

    enum Comparison: String, Sendable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case isIn = "in"
        case isNotIn = "not in"
    }

    enum Operation: String, Sendable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case floorDivide = "//"
        case modulo = "%"
        case power = "**"
    }

    let kind: Kind
    let line: Int

    init(_ kind: Kind, line: Int) {
        self.kind = kind
        self.line = line
    }
}

/// What follows a value: an attribute, a subscript, a call, a filter or a test.
struct Postfix: Sendable {
    enum Kind: Sendable {
        case attribute(String)
        case item(Expression)
        case slice(start: Expression?, stop: Expression?, step: Expression?)
        case call(CallArguments)
        case filter(String, CallArguments)
        case test(String, CallArguments, isNegated: Bool)
    }

    let kind: Kind
    let line: Int
}

/// The arguments of a call, a filter or a test.
struct CallArguments: Sendable {
    var positional: [Expression] = []
    var named: [(name: String, value: Expression)] = []
    /// What follows `*`.
    var list: Expression?
    /// What follows `**`.
    var dictionary: Expression?
}
