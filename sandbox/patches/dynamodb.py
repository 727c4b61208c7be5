"""DynamoDB."""

from threading import Lock

from moto.dynamodb.models import DynamoDBBackend

put_item = DynamoDBBackend.put_item
put_item_lock = Lock()


def put_item_atomically(*args, **kwargs):
    """PutItem: of two writers on one condition one wins. moto 5.2.5 looks first and writes later, so that both may take
    the lock of a state.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
    """
    with put_item_lock:
        return put_item(*args, **kwargs)


def apply():
    DynamoDBBackend.put_item = put_item_atomically
