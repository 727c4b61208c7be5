"""DynamoDB."""

from threading import Lock

from moto.dynamodb.exceptions import ConditionalCheckFailed
from moto.dynamodb.models import DynamoDBBackend

put_item = DynamoDBBackend.put_item
put_item_lock = Lock()


def put_item_atomically(*args, **kwargs):
    """PutItem: of two writers on one condition one wins. moto 5.2.5 looks first and writes later, so that both may take
    the lock of a state.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html

    A client that has lost the answer, as from a busy machine, asks again. DynamoDB refuses that like any other; here the
    same item, whose content no other client has, is taken again, or a state would be locked against its own lock.
    """
    with put_item_lock:
        try:
            return put_item(*args, **kwargs)
        except ConditionalCheckFailed:
            same = same_item(*args, **kwargs)
            if same is None:
                raise
            return same


def same_item(backend, name, item_attrs, *_, **__):
    """The very item where the table has it; one that is no more than its key may be another client's."""
    keys = {attribute: item_attrs[attribute] for attribute in backend.get_table(name).table_key_attrs}
    item = backend.get_item(name, keys)
    has_content = len(item_attrs) > len(keys)
    return item if item is not None and has_content and item.to_json()["Attributes"] == item_attrs else None


def apply():
    DynamoDBBackend.put_item = put_item_atomically
