//! Pointers to parts of variables as arguments. WGSL allows `bump(&state.x)`; the writer of SPIR-V does not take it. Such a
//! call gets a pointer to a variable of its own instead: the part is copied in before the call and out after it, which is the
//! same, because WGSL forbids that the called function sees the whole beside the part.

use naga::{
    AddressSpace, Arena, Block, Expression, Function, Handle, LocalVariable, Module, Range, Span, Statement,
    Type, TypeInner, UniqueArena,
};

/// Rewrites all such calls; tells whether there were any.
pub fn by_copy(module: &mut Module) -> bool {
    // The type behind each pointer argument of each function.
    let arguments: Vec<Vec<Option<Handle<Type>>>> = module
        .functions
        .iter()
        .map(|(_, function)| {
            function.arguments.iter().map(|argument| pointee(&module.types, argument.ty)).collect()
        })
        .collect();
    let mut any = false;
    for (_, function) in module.functions.iter_mut() {
        any |= in_function(function, &arguments);
    }
    for entry in &mut module.entry_points {
        any |= in_function(&mut entry.function, &arguments);
    }
    any
}

fn pointee(types: &UniqueArena<Type>, ty: Handle<Type>) -> Option<Handle<Type>> {
    match types[ty].inner {
        TypeInner::Pointer { base, space: AddressSpace::Function } => Some(base),
        _ => None,
    }
}

fn in_function(function: &mut Function, arguments: &[Vec<Option<Handle<Type>>>]) -> bool {
    let mut body = std::mem::take(&mut function.body);
    let any = in_block(&mut body, &mut function.expressions, &mut function.local_variables, arguments);
    function.body = body;
    any
}

fn in_block(
    block: &mut Block,
    expressions: &mut Arena<Expression>,
    locals: &mut Arena<LocalVariable>,
    arguments: &[Vec<Option<Handle<Type>>>],
) -> bool {
    let mut any = false;
    let mut rewritten = Block::with_capacity(block.len());
    for (statement, span) in std::mem::take(block).span_into_iter() {
        let mut statement = statement;
        let mut after = Vec::new();
        match &mut statement {
            Statement::Block(inner) => any |= in_block(inner, expressions, locals, arguments),
            Statement::If { accept, reject, .. } => {
                any |= in_block(accept, expressions, locals, arguments);
                any |= in_block(reject, expressions, locals, arguments);
            }
            Statement::Switch { cases, .. } => {
                for case in cases {
                    any |= in_block(&mut case.body, expressions, locals, arguments);
                }
            }
            Statement::Loop { body, continuing, .. } => {
                any |= in_block(body, expressions, locals, arguments);
                any |= in_block(continuing, expressions, locals, arguments);
            }
            Statement::Call { function, arguments: given, .. } => {
                for (index, argument) in given.iter_mut().enumerate() {
                    let part = matches!(
                        expressions[*argument],
                        Expression::Access { .. } | Expression::AccessIndex { .. }
                    );
                    let Some(ty) = arguments[function.index()].get(index).copied().flatten().filter(|_| part)
                    else {
                        continue;
                    };
                    any = true;
                    let local = LocalVariable { name: Some("part".into()), ty, init: None };
                    let local = locals.append(local, span);
                    let copy = expressions.append(Expression::LocalVariable(local), span);
                    let load = |pointer, expressions: &mut Arena<Expression>| {
                        let value = expressions.append(Expression::Load { pointer }, span);
                        (value, Statement::Emit(Range::new_from_bounds(value, value)))
                    };
                    let (value, emit) = load(*argument, expressions);
                    rewritten.push(emit, span);
                    rewritten.push(Statement::Store { pointer: copy, value }, span);
                    let (value, emit) = load(copy, expressions);
                    after.push(emit);
                    after.push(Statement::Store { pointer: *argument, value });
                    *argument = copy;
                }
            }
            _ => {}
        }
        rewritten.push(statement, span);
        after.into_iter().for_each(|statement| rewritten.push(statement, Span::default()));
    }
    *block = rewritten;
    any
}
